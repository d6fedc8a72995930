"""Understanding: knowledge answers, complete tickets, the right department."""
